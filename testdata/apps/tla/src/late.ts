await null;

export const text = "late";
