export const where = "package imports";
