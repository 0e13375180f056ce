/// <reference lib="dom" />
/** Who did what when, newest first. The filters are in the address, so that it can be kept and sent. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useDeferredValue, useEffect, useMemo } from "react";
import { useSearchParams } from "wouter";
import { eventsOptions, migrationsOptions } from "../api/queries.ts";
import { Button } from "../parts/controls/button.tsx";
import { EmptyState } from "../parts/controls/empty_state.tsx";
import { Loading } from "../parts/controls/loading.tsx";
import { ProblemBox } from "../parts/problem_box.tsx";
import { EventFilters } from "./event_filters.tsx";
import { EventList } from "./event_list.tsx";
import { addressOf, type EventFilter, filterFrom, isAbout, NO_FILTER, queryOf } from "./filter.ts";

/** While few events have the text that is looked for, older ones are loaded: up to so many pages. */
const FEW = 20;
const MAX_PAGES = 10;

export default function EventsView() {
  const [address, setAddress] = useSearchParams();
  const filter = useMemo(() => filterFrom(address), [address]);
  const setFilter = (next: EventFilter) => setAddress(addressOf(next), { replace: true });
  const query = useMemo(() => queryOf(filter), [filter]);
  const { data, error, isPending, hasNextPage, isFetchingNextPage, fetchNextPage } =
    useInfiniteQuery(eventsOptions(query));
  const { data: migrations } = useQuery(migrationsOptions());
  const byId = useMemo(() => new Map(migrations?.map((one) => [one.id, one])), [migrations]);
  const text = useDeferredValue(filter.table);
  const loaded = useMemo(() => data?.pages.flatMap(({ events }) => events) ?? [], [data]);
  const events = useMemo(
    () => loaded.filter((event) => isAbout(event, text, byId)),
    [loaded, text, byId],
  );
  const pages = data?.pages.length ?? 0;
  const looksFurther = text !== "" && events.length < FEW && pages < MAX_PAGES && hasNextPage;
  useEffect(() => {
    if (looksFurther && !isFetchingNextPage && error === null) void fetchNextPage();
  }, [looksFurther, isFetchingNextPage, error, fetchNextPage]);
  const isFiltered = addressOf(filter).size > 0;
  return (
    <>
      <div className="view-head">
        <h1>Events</h1>
        <p>Who requested what, and the result.</p>
      </div>
      <div className="stack">
        <EventFilters
          filter={filter}
          onFilter={setFilter}
          actors={[...new Set(loaded.map(({ actor }) => actor))].sort()}
        />
        {error !== null && <ProblemBox error={error} />}
        {isPending
          ? error === null && <Loading what="the events" />
          : events.length === 0 && !looksFurther
          ? isFiltered
            ? (
              <EmptyState title="No event matches">
                <Button onClick={() => setFilter(NO_FILTER)}>Show all events</Button>
              </EmptyState>
            )
            : (
              <EmptyState title="No events yet">
                Each rename, rollback and finalization is recorded here, including refused ones.
              </EmptyState>
            )
          : <EventList events={events} migrations={byId} onFilter={setFilter} />}
        {data !== undefined && (
          <div className="row events-more">
            <p className="quiet grow" role="status">
              {isFetchingNextPage
                ? "Loading older events…"
                : text !== ""
                ? `${events.length} of the ${loaded.length} newest events match.`
                : hasNextPage
                ? `The ${loaded.length} newest events.`
                : loaded.length > 0 && "End of the list."}
            </p>
            {hasNextPage && (
              <Button disabled={isFetchingNextPage} onClick={() => fetchNextPage()}>
                Load older events
              </Button>
            )}
          </div>
        )}
      </div>
    </>
  );
}
