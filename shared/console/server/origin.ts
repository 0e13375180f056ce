/**
 * Which requests the page's server answers at all. A name of somebody else that leads to this machine (DNS rebinding),
 * another page in the same browser and a page on another port are all refused, with or without a cookie.
 */
import { isIP } from "node:net";
import { inUrl } from "../../local/functions/http_server.ts";

const OWN_NAMES = ["localhost", "127.0.0.1", "[::1]"];

/**
 * Says what is wrong with where a request comes from; null if nothing is.
 *
 * @param listensOn The address that the server listens on. On all addresses, any that is a number is accepted: a page
 *   of somebody else can only come by a name.
 */
export function foreignRequest(request: Request, listensOn: string): string | null {
  const host = request.headers.get("host") ?? "";
  if (!isOwnHost(host, listensOn)) {
    return `The page is not served under the name ${host || "that was asked for"}.`;
  }
  const origin = request.headers.get("origin");
  if (origin !== null && origin !== `http://${host}`) return "Another page may not use this one.";
  const site = request.headers.get("sec-fetch-site");
  const isOpened = request.headers.get("sec-fetch-mode") === "navigate" && request.method === "GET";
  if (site !== null && site !== "same-origin" && site !== "none" && !isOpened) {
    return "Another page may not use this one.";
  }
  if (request.method !== "GET" && request.method !== "HEAD" && origin === null) {
    return "A change has to say which page it comes from (Origin).";
  }
  return null;
}

function isOwnHost(host: string, listensOn: string): boolean {
  if (!URL.canParse(`http://${host}`)) return false;
  const { hostname } = new URL(`http://${host}`);
  if ([...OWN_NAMES, inUrl(listensOn.toLowerCase())].includes(hostname)) return true;
  const isEverywhere = listensOn === "0.0.0.0" || listensOn === "::";
  return isEverywhere && isIP(hostname.replace(/^\[|\]$/g, "")) !== 0;
}
