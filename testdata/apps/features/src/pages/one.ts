export const title = "page one";
