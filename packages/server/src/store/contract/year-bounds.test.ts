/** What a year of traffic may leave behind. Not a test itself. */

import type { Tables } from './tables.test.ts'
import type { YearSample } from './year.test.ts'

/**
 * Rows for each living family. The sweep promises one and a half (`sql/sweep.ts`); a family that ended in the last two
 * hours is still there, and what was opened at the same moment came after the look.
 */
export const rowsPerLivingMax = 2
/** Rows that were over and are not tidied up yet: tidying comes with every 256th write and takes 1,024 of each table. */
export const untidiedRowsMax = 1024
/** Bytes of the families and of everything tidied, in the second half of the year over their most in the first. */
export const bytesGrowthMax = 1.5

export type Week = YearSample & { readonly tables: Tables }

/** The first bound that was passed, in a sentence, or null. */
export function faultOfYear(weeks: readonly Week[]): string | null {
  for (const { day, living, alive, tables } of weeks) {
    const rows = tables['families']?.rows ?? Number.POSITIVE_INFINITY
    if (rows > rowsPerLivingMax * living) return `day ${day}: ${rows} rows of families where ${living} live`
    for (const [table, most] of Object.entries(alive)) {
      const there = tables[table]?.rows ?? Number.POSITIVE_INFINITY
      if (there > most + untidiedRowsMax) return `day ${day}: ${there} rows of ${table} where ${most} may be alive`
    }
    const others = Object.keys(tables).filter(table => table !== 'families' && !(table in alive))
    const grown = others.find(table => (tables[table]?.rows ?? 0) > fixedRowsMax)
    if (grown !== undefined) return `day ${day}: ${tables[grown]?.rows} rows of ${grown}, which nothing writes`
  }
  const half = Math.floor(weeks.length / 2)
  const [before, after] = [weeks.slice(0, half), weeks.slice(half)].map(some => Math.max(...some.map(bytesOf)))
  if (before === undefined || after === undefined || after <= bytesGrowthMax * before) return null
  return `the tables grew from ${before} to ${after} bytes`
}

/** Of counters, settings, the clock, leases and keys. */
const fixedRowsMax = 10

/** Of all that is bounded by what is alive: events and cut-offs stay for 400 days, whatever lives. */
function bytesOf({ tables }: Week): number {
  return Object.entries(tables).reduce(
    (sum, [name, { bytes }]) => (name === 'events' || name === 'cut_offs' ? sum : sum + bytes),
    0,
  )
}
