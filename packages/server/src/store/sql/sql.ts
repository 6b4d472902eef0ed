/**
 * The port every SQL database is reached through. It is this narrow so that one set of statements serves SQLite,
 * PostgreSQL and the distributed engines: there is no interactive transaction, so no lock is ever held across a round
 * trip and nothing is read inside a transaction in order to be written by it. Parameters are written `$1`, `$2` …
 */

export type Value = string | number | null | Uint8Array

/** One row, its values in the order of the statement's columns. */
export type Row = readonly Value[]

export interface Statement {
  readonly text: string
  readonly params: readonly Value[]
}

/** What is written together or not at all. */
export interface Unit {
  /**
   * What the unit is about, or null where order does not matter. Units about the same thing never share a batch, and a
   * batch writes in this order: engines with row locks then cannot deadlock.
   */
  readonly about: string | null
  /** Must change exactly one row; where it changes none, nothing of the unit is executed. Null: always executed. */
  readonly guard: Statement | null
  readonly statements: readonly Statement[]
  /**
   * The family that carries this step id, which nobody else ever chooses, once the unit is written. Where an engine loses
   * the answer to a COMMIT, this is how it finds out; a unit without stays unknown then.
   */
  readonly mark?: Mark
}

export interface Mark {
  readonly id: string
  readonly stepId: string
}

export type Outcome = 'done' | 'moved'

export interface Sql {
  /** What every process has committed before. Rejects with `StoreUnavailable` when the database cannot answer. */
  read(statement: Statement): Promise<readonly Row[]>
  /** Resolves only once the unit is durable: `moved` when its guard changed no row, and then nothing was written. */
  write(unit: Unit): Promise<Outcome>
  /** One statement with RETURNING, written like a unit of its own. */
  writeReturning(statement: Statement): Promise<readonly Row[]>
}

/** The order in which a batch writes. */
export function byWhatTheyAreAbout(a: Pick<Unit, 'about'>, b: Pick<Unit, 'about'>): number {
  if (a.about === b.about) return 0
  return (a.about ?? '') < (b.about ?? '') ? -1 : 1
}

/** A unit without a condition. */
export function always(statements: readonly Statement[]): Unit {
  return { about: null, guard: null, statements }
}

/** A column declared NOT NULL and numeric. Anything else is a damaged database, and said so. */
export function numberAt(row: Row, column: number): number {
  const value = row[column]
  if (typeof value !== 'number') throw new TypeError(`column ${column} holds ${typeof value} where a number belongs`)
  return value
}

export function textAt(row: Row, column: number): string {
  const value = row[column]
  if (typeof value !== 'string') throw new TypeError(`column ${column} holds ${typeof value} where a text belongs`)
  return value
}

export function bytesAt(row: Row, column: number): Uint8Array {
  const value = row[column]
  if (!(value instanceof Uint8Array)) throw new TypeError(`column ${column} holds ${typeof value} where bytes belong`)
  return value
}

export function numberOrNullAt(row: Row, column: number): number | null {
  return row[column] === null ? null : numberAt(row, column)
}

export function textOrNullAt(row: Row, column: number): string | null {
  return row[column] === null ? null : textAt(row, column)
}
