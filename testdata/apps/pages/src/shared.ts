export const title = (path: string): string => `at ${path}`;
