/// <reference lib="dom" />
/** A value that several views share, kept over a reload of this tab, for its project alone. */
import { useSyncExternalStore } from "react";
import { PROJECT } from "./project.ts";

interface Store<Value> {
  get(): Value;
  set(change: (value: Value) => Value): void;
  /** The value, in a component that is drawn anew when it changes. */
  use(): Value;
}

/**
 * @param key Under which it is kept.
 * @param kept What of it is kept. Default: all.
 */
export function createStore<Value>(
  key: string,
  initial: Value,
  kept: (value: Value) => unknown = (value) => value,
): Store<Value> {
  let value = restored(key) as Value ?? initial;
  const listeners = new Set<() => void>();
  const subscribe = (listener: () => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const get = () => value;
  return {
    get,
    set(change) {
      value = change(value);
      keep(key, kept(value));
      for (const listener of listeners) listener();
    },
    use: () => useSyncExternalStore(subscribe, get),
  };
}

const keptUnder = (key: string) => `${PROJECT} ${key}`;

function restored(key: string): unknown {
  try {
    return JSON.parse(sessionStorage.getItem(keptUnder(key)) ?? "null");
  } catch {
    return null;
  }
}

/** A full or forbidden storage costs the reload's memory, and nothing else. */
function keep(key: string, value: unknown): void {
  try {
    sessionStorage.setItem(keptUnder(key), JSON.stringify(value));
  } catch {
    // Nothing is kept.
  }
}
