/** A cache by keys, as data libraries for React have one. */
const kept = new Map<string, unknown>();

export async function cached<T>(key: readonly unknown[], load: () => Promise<T>): Promise<T> {
  const name = JSON.stringify(key);
  if (!kept.has(name)) kept.set(name, await load());
  return kept.get(name) as T;
}

export function forget(prefix: string): number {
  let count = 0;
  for (const name of [...kept.keys()]) {
    if (!name.startsWith(`["${prefix}"`)) continue;
    kept.delete(name);
    count++;
  }
  return count;
}
