export * from "./tables";
export { createClient as client } from "./supabase";
export { formatPrice, plural } from "./format";
