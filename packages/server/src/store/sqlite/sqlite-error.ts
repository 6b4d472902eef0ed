/** What an error of SQLite means for whoever waits: come again, the store is away, or our own mistake. */

import { StoreUnavailable } from '../../domain/store.ts'

/** Primary result codes (sqlite.org/rescode.html). */
const busyCodes = new Set([5, 6, 15])
const unavailableCodes = new Set([3, 7, 8, 9, 10, 11, 13, 14, 17, 26])

/** Another connection holds what we need; waiting helps. */
export function isBusy(error: unknown): boolean {
  return busyCodes.has(resultCode(error))
}

/** The disk, the file or the connection is not there, full or damaged: no statement is to blame. */
export function isUnavailable(error: unknown): boolean {
  return (
    error instanceof StoreUnavailable ||
    unavailableCodes.has(resultCode(error)) ||
    isClosed(error) ||
    isFileError(error)
  )
}

export function unavailable(error: unknown): StoreUnavailable {
  if (error instanceof StoreUnavailable) return error
  const said = error instanceof Error ? error.message : 'it did not say why'
  return new StoreUnavailable(`the SQLite database cannot answer: ${said}`, { cause: error })
}

function resultCode(error: unknown): number {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return -1
  return error.errcode & 0xff
}

function isClosed(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_INVALID_STATE'
}

/** The operating system refused the file or its directory. */
function isFileError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error
}
