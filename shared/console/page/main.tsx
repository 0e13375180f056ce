/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/** The page: one browser tab, six views. */
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { isUnreachable } from "./api/client.ts";
import { onSettled, resumeOperations } from "./live/operations.ts";
import { refreshAll } from "./api/queries.ts";
import { FaultBoundary } from "./parts/controls/fault_boundary.tsx";
import { afterOperation } from "./plan/reviewed.ts";
import { Shell } from "./shell.tsx";
import { applyTheme } from "./theme.ts";

/** How long an answer counts as fresh, in milliseconds: to go from view to view asks for nothing again. */
const FRESH_MS = 30_000;

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: FRESH_MS,
      // A lost connection comes back; a refusal stays one.
      retry: (failures, error) => isUnreachable(error) && failures < 20,
      retryDelay: (failures) => Math.min(500 * 2 ** failures, 5_000),
      // The server is on this machine, whatever the browser believes of the network.
      networkMode: "always",
    },
    mutations: { networkMode: "always" },
  },
});

onSettled(afterOperation);
onSettled(() => void refreshAll(queries));
applyTheme();
resumeOperations();
createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <FaultBoundary>
      <QueryClientProvider client={queries}>
        <Shell />
      </QueryClientProvider>
    </FaultBoundary>
  </StrictMode>,
);
