export const path = "tsconfig paths";
