/** What SvelteKit has for this. */
export const error = (status: number, message: string): Error =>
  Object.assign(new Error(message), { status });

export const redirect = (status: number, to: string): Error =>
  Object.assign(new Error(`to ${to}`), { status });
