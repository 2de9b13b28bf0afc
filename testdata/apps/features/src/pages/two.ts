export const title = "page two";
