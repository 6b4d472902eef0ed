/** What an error of PostgreSQL means for whoever waits (PostgreSQL manual, appendix A), and how it is told. */

import { StoreUnavailable } from '../../domain/store.ts'

/**
 * `again`: the engine undid the transaction, and the same one may do well now. `refused`: the statement is at fault.
 * `away`: nothing was done, and the server cannot do it now. `unknown`: the connection is over; what was sent may have
 * been done or not.
 */
export type Meaning = 'again' | 'refused' | 'away' | 'unknown'

/** The guard of a unit changed no row, and said so by dividing by that number. */
export const divisionByZero = '22012'
/** The guard found a key free that somebody else, in a transaction that ended meanwhile, has taken. */
export const uniqueViolation = '23505'
/** The guard of a unit changed several rows, and said so by taking a root. */
export const rootOfLess = '2201F'
/** Said of every statement after the one that failed: it was not executed. */
export const transactionFailed = '25P02'

const readOnlyTransaction = '25006'
const lockNotAvailable = '55P03'
const queryCanceled = '57014'

/** Classes of which the engine tells within a session that goes on. Of everything else it is not certain. */
const refusedClasses = new Set(['0A', '21', '22', '23', '25', '34', '42', '44', '55'])
const awayClasses = new Set(['53', '54'])
/**
 * A statement is prepared by the first that uses it on a connection. Where that one came too late in a transaction that
 * had failed, those that were sent behind it in the same trip do not find it; the next trip prepares it.
 */
const notPrepared = '26000'
const againCodes = new Set(['40001', '40P01', transactionFailed, notPrepared])
const awayCodes = new Set([readOnlyTransaction, lockNotAvailable, queryCanceled])
const tooManyConnections = '53300'
const sessionEndCodes = new Set(['25P03', '25P04', tooManyConnections])

export function meaningOf(error: unknown): Meaning {
  const code = codeOf(error)
  if (code === null || sessionEndCodes.has(code)) return 'unknown'
  if (againCodes.has(code)) return 'again'
  if (awayCodes.has(code)) return 'away'
  const of = code.slice(0, 2)
  if (awayClasses.has(of)) return 'away'
  return refusedClasses.has(of) ? 'refused' : 'unknown'
}

/** True where a server has no place for another connection, of this user or at all; also of what that caused. */
export function isFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return codeOf(error) === tooManyConnections || isFull(error.cause)
}

/** The five characters of an error the server sent; null for what went wrong on the way. */
export function codeOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return null
  return /^[0-9A-Z]{5}$/.test(error.code) && 'severity' in error ? error.code : null
}

/**
 * Our own mistake, or a row that no statement can write. What PostgreSQL says besides is left out: its detail shows whole
 * rows, and its messages the values they are about (I11).
 */
export function statementRefused(error: unknown): Error {
  return new Error(`PostgreSQL refused a statement: ${toldOf(error)}`)
}

export function unavailable(error: unknown): StoreUnavailable {
  if (error instanceof StoreUnavailable) return error
  return new StoreUnavailable(`PostgreSQL cannot answer: ${toldOf(error)}`)
}

/** Names, but no value. */
export function toldOf(error: unknown): string {
  if (!(error instanceof Error)) return 'it did not say why'
  const code = codeOf(error)
  if (code === null) return error.message
  const named = ['table', 'column', 'constraint'].flatMap(part => {
    const name = (error as unknown as { readonly [part: string]: unknown })[part]
    return typeof name === 'string' && name !== '' ? [`${part} ${name}`] : []
  })
  return [`SQLSTATE ${code}`, ...named, ...(isAboutNames(code) ? [error.message] : [])].join(', ')
}

/** Errors of syntax and of names, of resources and of the server's state speak of no value. */
function isAboutNames(code: string): boolean {
  return /^(?:08|25|28|3D|42|53|55|57|58)/.test(code)
}
