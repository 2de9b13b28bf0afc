export const prepareHot = () => {};
export const hotInfo = () => true;
export const updateHot = async () => ({ files: [], sends: [] });
