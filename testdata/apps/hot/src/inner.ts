// Accepted by nobody, but below ./dep, which parent.ts accepts.
export const inner = "inner 1";
