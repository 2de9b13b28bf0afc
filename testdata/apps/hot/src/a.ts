export const a = "a 1";
