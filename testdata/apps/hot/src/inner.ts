// No module accepts this one, but it is below ./dep, which parent.ts accepts.
export const inner = "inner 1";
