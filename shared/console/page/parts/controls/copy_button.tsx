/// <reference lib="dom" />
import { useEffect, useState } from "react";
import { Button } from "./button.tsx";

/** How long "Copied" is shown, in milliseconds. */
const SHOWN_MS = 2_000;

/** @param text What is copied, or what makes it. */
export function CopyButton(
  { label, text }: { label: string; text: string | (() => string | Promise<string>) },
) {
  const [state, setState] = useState<"ready" | "copied" | "failed">("ready");
  useEffect(() => {
    if (state === "ready") return;
    const timer = setTimeout(() => setState("ready"), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [state]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(typeof text === "string" ? text : await text());
      setState("copied");
    } catch {
      setState("failed");
    }
  };
  return (
    <Button onClick={copy}>
      <span aria-live="polite">
        {state === "copied" ? "Copied" : state === "failed" ? "Could not copy" : label}
      </span>
    </Button>
  );
}
