/** An endpoint that does nothing, with the packages that ours use: what the module load is compared with. */
import "@supabase/server/core";
import "postgres";
import "zod";

export default { fetch: () => new Response(null, { status: 204 }) };
