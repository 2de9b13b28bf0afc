// import.meta.url is the module's own address, so the module can fetch a file beside it.
const response = await fetch(new URL("./config.json", import.meta.url));

export const config: { name: string } = await response.json();
