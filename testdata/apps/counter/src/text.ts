export const text = (count: number): string => `clicked ${count} times`;
