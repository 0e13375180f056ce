/** The files of the page. */

/** A file by its name, such as `main-ABC.js`. */
export type PageFiles = Map<string, Uint8Array<ArrayBuffer>>;

/** The page itself. */
export const INDEX = "index.html";
