/**
 * Parses a database URL. URLs are written for many clients, each with parameters of its own; postgres.js would send
 * all that it does not know to the server, as settings of the session.
 */
import { Problem } from "../../contract/problems.ts";
import { editDistance } from "../../sql/closest_names.ts";

/** How the connection is encrypted, as in libpq (PostgreSQL manual, 34.19.1). */
export const SSL_MODES = [
  "disable",
  "allow",
  "prefer",
  "require",
  "verify-ca",
  "verify-full",
] as const;

type SslMode = (typeof SSL_MODES)[number];

export interface DatabaseUrl {
  /** Host or IP address to connect to. */
  address: string;
  port: number;
  /** The name that the certificate must have. */
  host: string;
  /** Path of a Unix socket; then there is no encryption, as with libpq. */
  path: string | undefined;
  user: string | undefined;
  password: string | undefined;
  database: string | undefined;
  /** Startup options for the server; some poolers identify their tenant by them. */
  options: string | undefined;
  sslmode: SslMode;
  /** Certificates to trust: the path of a file, or the text itself; null: those of the runtime. */
  rootCertificate: string | null;
}

/** Parameters that are used. */
const READ = [
  ...["host", "hostaddr", "port", "dbname", "user", "password", "options"],
  ...["sslmode", "sslrootcert", "requiressl", "ssl"],
];

/** Parameters of other clients, which are ignored. */
const IGNORED = new Set(
  `
  # libpq (PostgreSQL manual, 34.1.2)
  passfile require_auth channel_binding connect_timeout client_encoding application_name
  fallback_application_name keepalives keepalives_idle keepalives_interval keepalives_count tcp_user_timeout
  gssencmode sslnegotiation sslcompression sslcert sslkey sslkeylogfile sslpassword sslcertmode sslcrl
  sslcrldir sslsni requirepeer ssl_min_protocol_version ssl_max_protocol_version min_protocol_version
  max_protocol_version krbsrvname gsslib gssdelegation scram_client_key scram_server_key
  target_session_attrs load_balance_hosts
  # Prisma
  schema connection_limit pool_timeout pgbouncer statement_cache_size socket_timeout sslidentity sslaccept
  single_use_connections max_connection_lifetime max_idle_connection_lifetime
  # Supabase and those who host with it
  supa workaround pool_mode pool_size prepare_threshold
  # node-postgres, postgres.js, JDBC, SQLAlchemy
  uselibpqcompat statement_timeout lock_timeout query_timeout idle_in_transaction_session_timeout
  connectionTimeoutMillis idleTimeoutMillis max idle_timeout max_lifetime max_pipeline backoff keep_alive
  prepare fetch_types publications debug
  prepareThreshold currentSchema prepared_statement_cache_size
  `.split("\n").filter((line) => !line.includes("#")).join(" ").split(/\s+/).filter(Boolean),
);

/**
 * Parses a URL. Without `sslmode` the connection is not encrypted, unlike with libpq: the platform's own URL has
 * none, and its functions reach their database inside of the platform.
 *
 * @throws {Problem} `database_unavailable`; its texts quote no value of the URL, since any can be a secret.
 */
export function parseDatabaseUrl(text: string): DatabaseUrl {
  const url = urlOf(text);
  const parameters = parametersOf(url);
  const host = parameters.get("host") ?? withoutBrackets(decoded(url.hostname)) ?? "localhost";
  if (host.includes(",")) throw severalHosts();
  const port = Number(parameters.get("port") ?? (url.port || 5432));
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw unusable("The port of the database URL is not a number from 1 to 65535.");
  }
  const path = host.startsWith("/") ? `${host}/.s.PGSQL.${port}` : undefined;
  return {
    address: parameters.get("hostaddr") ?? host,
    port,
    host,
    path,
    user: parameters.get("user") ?? decoded(url.username),
    password: parameters.get("password") ?? decoded(url.password),
    database: parameters.get("dbname") ?? decoded(url.pathname.slice(1)),
    options: parameters.get("options"),
    ...encryptionOf(parameters),
  };
}

function urlOf(text: string): URL {
  const [, scheme, authority] = /^(postgres(?:ql)?:\/\/)([^/?#]*)/.exec(text) ?? [];
  if (authority === undefined) throw unreadable();
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  if (host.includes(",")) throw severalHosts();
  // URL does not accept a login without a host, which is in a parameter then.
  const end = scheme.length + authority.length;
  const whole = host === "" ? `${text.slice(0, end)}localhost${text.slice(end)}` : text;
  if (!URL.canParse(whole)) throw unreadable();
  const url = new URL(whole);
  // A `#` in a password that is not encoded ends the URL.
  if (url.hash !== "") throw unreadable();
  return url;
}

function parametersOf(url: URL): Map<string, string> {
  const parameters = new Map<string, string>();
  // A plus sign is no space, as in libpq.
  for (const [name, value] of new URLSearchParams(url.search.replaceAll("+", "%2B"))) {
    if (READ.includes(name)) parameters.set(name, value);
    else if (!IGNORED.has(name)) throw unknownParameter(name);
  }
  return parameters;
}

function unknownParameter(name: string): Problem {
  // Part of a password that is not encoded can look like a name.
  const shown = /^\w{1,40}$/.test(name) ? `: ${name}` : "";
  const [close] = [...READ, ...IGNORED].filter((known) => editDistance(name, known, 2) <= 2)
    .sort((a, b) => editDistance(name, a, 2) - editDistance(name, b, 2));
  return unusable(
    `The database URL has a parameter that is not known here${shown}.`,
    (close !== undefined && shown !== "" ? `Did you mean ${close}? If not, remove` : "Remove") +
      " the parameter",
  );
}

function encryptionOf(
  parameters: Map<string, string>,
): Pick<DatabaseUrl, "sslmode" | "rootCertificate"> {
  const given = parameters.get("sslmode") ?? modeOfSsl(parameters.get("ssl")) ??
    (parameters.get("requiressl") === "1" ? "require" : undefined);
  if (given !== undefined && !isSslMode(given)) {
    throw unusable(`The sslmode of the database URL is none of ${SSL_MODES.join(", ")}.`);
  }
  const certificate = parameters.get("sslrootcert") || null;
  if (certificate === "system") {
    // libpq refuses anything weaker: every site's certificate is signed by these authorities.
    if (given !== undefined && given !== "verify-full") {
      throw unusable("In the database URL, sslrootcert=system goes with sslmode=verify-full only.");
    }
    return { sslmode: "verify-full", rootCertificate: null };
  }
  const sslmode = given ?? "disable";
  // As libpq does if there are certificates to trust.
  return {
    sslmode: sslmode === "require" && certificate !== null ? "verify-ca" : sslmode,
    rootCertificate: certificate,
  };
}

const isSslMode = (text: string): text is SslMode =>
  (SSL_MODES as readonly string[]).includes(text);

/** The sslmode for `ssl`, a parameter of JavaScript clients. */
function modeOfSsl(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (["false", "0"].includes(value)) return "disable";
  return ["true", "1", "", "no-verify"].includes(value) ? "require" : value;
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part) || undefined;
  } catch {
    throw unreadable();
  }
}

const withoutBrackets = (host: string | undefined) => host?.replace(/^\[(.*)\]$/, "$1");

const SETTING = "RENAME_DB_URL, or else SUPABASE_DB_URL";

const unusable = (detail: string, advice = "Correct the URL") =>
  new Problem("database_unavailable", detail, { hint: `${advice}; the setting is ${SETTING}.` });

/** Without the cause, which quotes the URL and its password. */
const unreadable = () =>
  new Problem("database_unavailable", "The database URL cannot be read.", {
    hint:
      `${SETTING}, must look like postgresql://user:password@host:5432/postgres. Characters of the ` +
      "password such as # / ? % @ have to be percent-encoded.",
  });

const severalHosts = () =>
  unusable(
    "The database URL names several hosts.",
    "Name the primary server alone, since only it can be changed",
  );
