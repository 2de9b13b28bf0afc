export const b = "b 1";
