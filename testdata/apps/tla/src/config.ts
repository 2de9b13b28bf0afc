// import.meta.url is the module's own address, so that what lies beside it can be fetched.
const response = await fetch(new URL("./config.json", import.meta.url));

export const config: { name: string } = await response.json();
