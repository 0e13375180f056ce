/**
 * Addresses that notifications must not be sent to: those that are not public, among them the metadata services that
 * give a cloud's machines their secrets. What is public follows IANA's registries of special-purpose addresses
 * (RFC 6890 and its successors).
 */

/** IPv4 networks that are not public: first address and prefix length. */
const PRIVATE_4: [string, number][] = [
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

/** Networks within 2000::/3, the public part of IPv6, that are not public. */
const PRIVATE_6: [string, number][] = [
  ["2001::", 23], // protocol assignments, Teredo among them
  ["2001:db8::", 32], // documentation
  ["2002::", 16], // 6to4: packets are sent to the IPv4 address within
  ["3fff::", 20], // documentation
];

/** IPv6 networks whose addresses end in an IPv4 address, which packets are sent to. */
const IPV4_IN_IPV6: [string, number][] = [
  ["::ffff:0:0", 96], // mapped
  ["64:ff9b::", 96], // translated (RFC 6052)
];

/**
 * Whether an IP address is not public.
 *
 * @param address As in a URL, with or without brackets, or from a resolver; other texts count as private.
 */
export function isPrivateAddress(address: string): boolean {
  const text = address.replace(/^\[|\]$/g, "");
  const four = bytesOf4(text);
  if (four !== null) return within(four, PRIVATE_4, bytesOf4);
  const six = bytesOf6(text);
  if (six === null) return true;
  if (within(six, IPV4_IN_IPV6, bytesOf6)) return within(six.slice(12), PRIVATE_4, bytesOf4);
  return !within(six, [["2000::", 3]], bytesOf6) || within(six, PRIVATE_6, bytesOf6);
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

/** Four decimal numbers; URL turns all other forms into this one. */
function bytesOf4(text: string): number[] | null {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part))) return null;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte < 256) ? bytes : null;
}

/** Groups of hexadecimal digits, `::`, an IPv4 address at the end, a zone (RFC 4291, section 2.2). */
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

/** Deno.resolveDns; not every runtime has it. */
export type Resolve = (name: string, type: "A" | "AAAA", signal: AbortSignal) => Promise<string[]>;

const lookUp: Resolve | undefined = typeof Deno.resolveDns === "function"
  ? (name, type, signal) => Deno.resolveDns(name, type, { signal })
  : undefined;

/**
 * Why nothing may be sent to a URL's host; null where it may. Each address of a name must be public, if the runtime can
 * look it up.
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
  // If DNS does not know the name, something else on the network could resolve it.
  if (addresses.length === 0) return "the name cannot be resolved";
  return addresses.some(isPrivateAddress) ? "the name leads to a private address" : null;
}

/** Names that are never public (RFC 6761, RFC 6762, and `internal`, which ICANN reserved). */
export const isLocalName = (host: string): boolean =>
  /(^|\.)(localhost|local|internal|home\.arpa)\.?$/i.test(host);

/** Whether the runtime has the function, but does not allow its use. */
const isUnsupported = (error: unknown): boolean =>
  error instanceof Error && ["NotCapable", "PermissionDenied", "NotSupported"].includes(error.name);
