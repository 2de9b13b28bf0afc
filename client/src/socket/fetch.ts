/**
 * The browser's fetch. Apps replace the global by a mock, which would answer in place of the server. The client runs
 * before any script of the page.
 */
export const browserFetch: typeof fetch = globalThis.fetch?.bind(globalThis);
