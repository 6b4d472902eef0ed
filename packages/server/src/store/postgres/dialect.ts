/**
 * How a statement of `store/sql` is said to PostgreSQL: with a name, so that each connection prepares it once, and with
 * the server's clock where the statement asks for the store's time. Their number is that of the texts in the program.
 */

export interface Prepared {
  readonly name: string
  readonly text: string
}

export type Prepare = (text: string) => Prepared

/** Rounded down: the store's time must not run ahead of the clock it is read from. */
const databaseNowMs = "floor(date_part('epoch', clock_timestamp()) * 1000)::bigint"

/** With `ownClock` the store's time is told from outside, as for an embedded database; only tests do so. */
export function postgresDialect(ownClock: boolean): Prepare {
  const prepared = new Map<string, Prepared>()
  const now = ownClock ? '($1)' : `greatest($1, ${databaseNowMs})`

  return text => {
    const known = prepared.get(text)
    if (known !== undefined) return known
    const said = text.replace(/store_now\(([^()]*)\)/g, (_, later: string) => now.replace('$1', () => typed(later)))
    const made = { name: `pawl_${prepared.size + 1}`, text: said }
    prepared.set(text, made)
    return made
  }
}

/** A parameter alone has no type; PostgreSQL would take one for a number that is too small. */
function typed(later: string): string {
  return later.startsWith('$') ? `${later}::bigint` : later
}
