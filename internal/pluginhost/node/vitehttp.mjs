// Stands in for the file of this name, until the merge.
export function prepareHTTP() {}
export function openHTTP() {}
export const httpInfo = () => ({ routes: [], late: false, upgrades: false });
export const methods = {};
