// Stands in for the file of this name, until the merge.
export const htmlInfo = () => ({ pre: false, rest: false });
export const methods = {};
