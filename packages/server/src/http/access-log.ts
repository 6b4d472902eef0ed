/**
 * What the log says about requests: one line each at debug, failures at info and above, sampled under flood so that an
 * attacker fills no disk. Query strings, bodies, cookies and credentials are never logged; every text a client chose is
 * cut and stripped to printable ASCII, and the lines are JSON, so that nothing in it can forge a line.
 */

import { destination, pino } from 'pino'
import type { RequestId } from '../domain/identifiers.ts'
import type { HttpRequest } from './exchange.ts'

/** What is used of a pino logger. */
export interface Logger {
  readonly isLevelEnabled: (level: string) => boolean
  readonly debug: (fields: object, message: string) => void
  readonly info: (fields: object, message: string) => void
  readonly warn: (fields: object, message: string) => void
  readonly error: (fields: object, message: string) => void
}

export interface AccessLog {
  /** Told once per request, after the answer is known. `error` is what was thrown, if anything was. */
  readonly answered: (request: HttpRequest, answer: Answered) => void
}

export interface Answered {
  readonly requestId: RequestId
  readonly status: number
  readonly startedAtMs: number
  readonly error: unknown
  /** A sentence for the operator where the error has one. */
  readonly detail: string | null
}

/** Lines about failures in one second; further ones are counted, and the next line tells how many. */
export const failureLinesPerSecondMax = 100
export const loggedPathCharactersMax = 100
/** Lines wait here while stderr is slow; beyond, they are dropped rather than kept in memory. */
export const logBytesWaitingMax = 1_048_576

/** Where lines go, each with its line end. */
export interface Lines {
  readonly write: (line: string) => void
}

/** JSON lines on stderr; stdout belongs to the CLI. */
export function stderrLogger(level: string): Logger {
  return lineLogger(level, stderrLines())
}

/** Written in the background. One of these in a process: lines of two could tear each other. */
export function stderrLines(): Lines {
  return destination({ dest: 2, sync: false, maxLength: logBytesWaitingMax })
}

/** `said` stands in every line. */
export function lineLogger(level: string, lines: Lines, said: { readonly thread: number } | null = null): Logger {
  return pino({ level, base: said }, lines)
}

export function accessLog(logger: Logger, nowMs: () => number): AccessLog {
  const failures = sampler(nowMs)
  return {
    answered: (request, answer) => {
      if (answer.error === null && answer.status < 400) {
        if (logger.isLevelEnabled('debug')) logger.debug(fieldsOf(request, answer, nowMs()), 'answered')
        return
      }
      const unsaid = failures()
      if (unsaid === null) return
      const fields = { ...fieldsOf(request, answer, nowMs()), detail: printable(answer.detail ?? ''), unsaid }
      // The stack and its causes are ours alone, and only for what should never happen.
      if (answer.status === 500) logger.error({ ...fields, err: answer.error }, 'failed')
      else if (answer.status > 500) logger.warn({ ...fields, err: answer.error }, 'unavailable')
      else logger.info(fields, 'refused')
    },
  }
}

/** Printable ASCII only, cut to a length a line can carry. */
export function printable(text: string, charactersMax = 300): string {
  return text.slice(0, charactersMax).replaceAll(/[^\x20-\x7e]/g, '?')
}

function fieldsOf(request: HttpRequest, answer: Answered, nowMs: number): object {
  return {
    requestId: answer.requestId,
    method: printable(request.method, 16),
    path: printable(request.path, loggedPathCharactersMax),
    status: answer.status,
    tookMs: nowMs - answer.startedAtMs,
    address: printable(request.address, 64),
  }
}

/** Answers how many were passed over before this one, or null where this one is to be passed over. */
function sampler(nowMs: () => number): () => number | null {
  let second = -1
  let lines = 0
  let unsaid = 0
  return () => {
    const current = Math.floor(nowMs() / 1000)
    if (current !== second) {
      second = current
      lines = 0
    }
    if (lines >= failureLinesPerSecondMax) {
      unsaid += 1
      return null
    }
    lines += 1
    const before = unsaid
    unsaid = 0
    return before
  }
}
