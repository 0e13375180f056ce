/** Why the database of --db-url cannot be used, by the code of its error. Nothing here shows the password. */

/** What went wrong and what to do, by SQLSTATE or by the code of the network's error. */
const CAUSES: Record<string, [detail: string, hint: string]> = {
  "28P01": [
    "The database refused the login: the user or the password is wrong",
    "Check both in --db-url. Characters such as @, / and # are written with % there (%40, %2F, %23).",
  ],
  "28000": [
    "The database refused the login: this user may not connect from here",
    "Check the user in --db-url and, on a server of your own, pg_hba.conf.",
  ],
  "3D000": [
    "The server has no database with this name",
    "Check what is behind the last / of --db-url; a Supabase project's is called postgres.",
  ],
  ECONNREFUSED: [
    "There is no server at this address and port",
    "Start the database, or check the port in --db-url.",
  ],
  ENOTFOUND: [
    "The name of the host is not known",
    "Check the host in --db-url, and the network.",
  ],
  EAI_AGAIN: [
    "The name of the host could not be looked up",
    "Check the network, and the host in --db-url.",
  ],
  CONNECT_TIMEOUT: [
    "The server did not answer in time",
    "Check host and port in --db-url, and whether a firewall is in the way.",
  ],
};
CAUSES.ETIMEDOUT = CAUSES.CONNECT_TIMEOUT;

/**
 * Detail and hint for the error's code; undefined for other codes.
 *
 * @param shown The database without its password, such as `127.0.0.1:5432/postgres`.
 */
export function whyUnreachable(code: unknown, shown: string) {
  const cause = typeof code === "string" && Object.hasOwn(CAUSES, code) ? CAUSES[code] : undefined;
  if (cause === undefined) return undefined;
  return { detail: `${cause[0]}: ${shown} (${code}).`, hint: cause[1] };
}
