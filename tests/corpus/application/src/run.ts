/** Runs what only reads, and prints it, for the test of this application. */
import { makeClient } from "./lib/client.ts";
import { reviewsOf, visitsIn, visitsOn } from "./queries/bookings.ts";
import { expertsWithTag, listExperts } from "./queries/experts.ts";
import { unpaid } from "./queries/invoices.ts";
import { busiest, earnings, exported } from "./server/reports.ts";
import { remind } from "../supabase/functions/remind/index.ts";

const url = process.env.SUPABASE_URL ?? "http://127.0.0.1:54321";
const key = process.env.SUPABASE_SECRET_KEY ?? "";
const client = makeClient(url, key);
const ada = "00000000-0000-0000-0000-000000000001";
const mails: string[] = [];
await remind(url, key, (to, text) => mails.push(`${to}: ${text}`));

console.log(JSON.stringify(
  {
    all: await listExperts(client),
    tagged: await expertsWithTag(client, "maths"),
    visits: await visitsOn(client, "2026-01-01"),
    inLondon: await visitsIn(client, "London"),
    reviews: await reviewsOf(client, ada),
    unpaid: await unpaid(client),
    mails,
    earned: await earnings("2026-01-01"),
    rows: await exported(),
    busy: await busiest(2),
  },
  null,
  1,
));
process.exit();
