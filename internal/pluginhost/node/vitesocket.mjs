// Stands in for the file of this name, until the merge.
export function prepareSocket() {}
export const eventNames = () => [];
export const methods = {};
