/**
 * The same map with its keys in order, so that the order in the file changes nothing. It has no prototype, so that `map.toString` is a key
 * of the lab or nothing.
 */
export function sorted<T>(map: Readonly<Record<string, T>>): Record<string, T> {
  const entries = Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.assign(Object.create(null) as Record<string, T>, Object.fromEntries(entries));
}
