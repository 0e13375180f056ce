/** Where the renames of a request were written, such as `renames.csv, line 2`. */

/** A message that names another rename of the request, with the line where that is written. */
export const inPlaces = (message: string, places: string[]): string =>
  message.replace(/by renames\[(\d+)\]/, (found, index) => {
    const line = /line (\d+)$/.exec(places[Number(index)] ?? "")?.[1];
    return line === undefined ? found : `in line ${line}`;
  });
