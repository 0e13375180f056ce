/// <reference lib="dom" />
import { useEffect, useState } from "react";

/** The time in milliseconds since 1970; a component that uses it is drawn anew every `everyMs`, if that is not null. */
export function useNow(everyMs: number | null): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (everyMs === null) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
