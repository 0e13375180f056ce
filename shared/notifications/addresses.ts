/**
 * Addresses that notifications must not go to: those that are not of the public Internet, among them the ones
 * by which a cloud's machines are told their secrets. What counts as public follows IANA's registries of
 * special-purpose addresses (RFC 6890 and its successors).
 */

/** IPv4 networks that are not public: first address and length of the prefix. */
const NOT_PUBLIC: [string, number][] = [
  ["0.0.0.0", 8], // this network
  ["10.0.0.0", 8], // private (RFC 1918)
  ["100.64.0.0", 10], // shared by customers of a provider (RFC 6598)
  ["127.0.0.0", 8], // loopback
  ["169.254.0.0", 16], // link-local, metadata services (RFC 3927)
  ["172.16.0.0", 12], // private
  ["192.0.0.0", 24], // protocol assignments
  ["192.0.2.0", 24], // documentation
  ["192.88.99.0", 24], // relays of 6to4, deprecated
  ["192.168.0.0", 16], // private
  ["198.18.0.0", 15], // benchmarks
  ["198.51.100.0", 24], // documentation
  ["203.0.113.0", 24], // documentation
  ["224.0.0.0", 4], // multicast
  ["240.0.0.0", 4], // reserved, broadcast
];

/** IPv6 networks that are not public although they are in 2000::/3, where the public ones are. */
const NOT_PUBLIC_6: [string, number][] = [
  ["2001::", 23], // protocol assignments, Teredo among them
  ["2001:db8::", 32], // documentation
  ["2002::", 16], // 6to4: leads to the IPv4 address within
  ["3fff::", 20], // documentation
];

/** IPv6 networks whose addresses end in the IPv4 address that they lead to. */
const HOLDING_IPV4: [string, number][] = [
  ["::ffff:0:0", 96], // mapped
  ["64:ff9b::", 96], // translated (RFC 6052)
];

/**
 * Whether an IP address is not one of the public Internet.
 *
 * @param address As a URL has it, in brackets or not, or as a resolver gives it; what is no address is not
 *   public.
 */
export function isPrivateAddress(address: string): boolean {
  const text = address.replace(/^\[|\]$/g, "");
  const four = bytesOf4(text);
  if (four !== null) return within(four, NOT_PUBLIC, bytesOf4);
  const six = bytesOf6(text);
  if (six === null) return true;
  if (within(six, HOLDING_IPV4, bytesOf6)) return within(six.slice(12), NOT_PUBLIC, bytesOf4);
  return !within(six, [["2000::", 3]], bytesOf6) || within(six, NOT_PUBLIC_6, bytesOf6);
}

/** Whether a URL's host is an IP address, not a name. */
export const isAddress = (host: string): boolean => host.startsWith("[") || bytesOf4(host) !== null;

function within(
  address: number[],
  networks: [string, number][],
  read: (text: string) => number[] | null,
): boolean {
  return networks.some(([first, length]) => {
    const bits = (bytes: number[]) =>
      bytes.map((byte) => byte.toString(2).padStart(8, "0")).join("").slice(0, length);
    return bits(address) === bits(read(first)!);
  });
}

/** Four numbers with dots; URLs have no other form of it, since they are parsed so. */
function bytesOf4(text: string): number[] | null {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part))) return null;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte < 256) ? bytes : null;
}

/** Groups of four digits, an omission, an IPv4 address at the end, a zone (RFC 4291, section 2.2). */
function bytesOf6(text: string): number[] | null {
  const [before, after, ...more] = text.replace(/%.*$/, "").split("::");
  if (more.length > 0) return null;
  const head = groups(before);
  const tail = after === undefined ? [] : groups(after);
  if (head === null || tail === null) return null;
  const missing = 16 - head.length - tail.length;
  if (after === undefined ? missing !== 0 : missing < 2) return null;
  return [...head, ...Array(missing).fill(0), ...tail];
}

function groups(text: string): number[] | null {
  if (text === "") return [];
  const bytes = text.split(":").map((group, index, all) => {
    if (index === all.length - 1 && group.includes(".")) return bytesOf4(group);
    if (!/^[0-9a-f]{1,4}$/i.test(group)) return null;
    const value = parseInt(group, 16);
    return [value >> 8, value & 255];
  });
  return bytes.includes(null) ? null : bytes.flat() as number[];
}

/** The part of Deno that looks names up; not every runtime has it. */
export type Resolve = (name: string, type: "A" | "AAAA", signal: AbortSignal) => Promise<string[]>;

const lookUp: Resolve | undefined = typeof Deno.resolveDns === "function"
  ? (name, type, signal) => Deno.resolveDns(name, type, { signal })
  : undefined;

/**
 * Why nothing may be sent to a URL's host, or null where it may. A name is looked up where the runtime can:
 * each of its addresses has to be public.
 */
export async function refusalOfHost(
  host: string,
  signal: AbortSignal,
  resolve: Resolve | undefined = lookUp,
): Promise<string | null> {
  if (isAddress(host)) return isPrivateAddress(host) ? "the address is private" : null;
  if (isLocalName(host)) return "the name is local";
  if (resolve === undefined) return null;
  const answers = await Promise.allSettled(
    (["A", "AAAA"] as const).map((type) => resolve(host, type, signal)),
  );
  const failures = answers.filter(({ status }) => status === "rejected") as PromiseRejectedResult[];
  if (failures.some(({ reason }) => isUnsupported(reason))) return null;
  const addresses = answers.flatMap((answer) => answer.status === "fulfilled" ? answer.value : []);
  // Where DNS does not know it, somebody else would say what it means.
  if (addresses.length === 0) return "the name cannot be resolved";
  return addresses.some(isPrivateAddress) ? "the name leads to a private address" : null;
}

/** Names that never are of the public Internet (RFC 6761, RFC 6762, and the one reserved for such use). */
export const isLocalName = (host: string): boolean =>
  /(^|\.)(localhost|local|internal|home\.arpa)\.?$/i.test(host);

/** Whether the runtime has the function and does not let it be used. */
const isUnsupported = (error: unknown): boolean =>
  error instanceof Error && ["NotCapable", "PermissionDenied", "NotSupported"].includes(error.name);
