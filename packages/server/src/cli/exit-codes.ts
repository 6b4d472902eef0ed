/** What a script learns from the way a command ended. Numbers are part of the surface and never change. */

import { CommanderError } from 'commander'
import { AdminRefused, InputRefused } from '../admin/workbench.ts'
import { ConfigRefused } from '../config/config-refused.ts'
import { StoreUnavailable } from '../domain/store.ts'

export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  configuration: 3,
  unreachable: 4,
  problemsFound: 5,
  unconfirmed: 6,
} as const

/** How a command that threw nothing ends. A command that found something wrong, and said so, changes it. */
export interface Outcome {
  exitCode: number
}

/** The command line was written in a way that means nothing. */
export class UsageRefused extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'UsageRefused'
  }
}

/** What ends sessions was not confirmed. Nothing was changed. */
export class Unconfirmed extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Unconfirmed'
  }
}

/** A server that should answer does not. */
export class ServerUnreachable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ServerUnreachable'
  }
}

export interface Failure {
  readonly exitCode: number
  /** For stderr; empty where it was already said. */
  readonly message: string
}

/** How a command that threw ends. What nobody foresaw shows its stack: it is a fault of ours, to be reported. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CommanderError) return commanderFailure(error)
  if (!(error instanceof Error)) return { exitCode: exitCodes.failed, message: 'pawl failed for an unknown reason.' }
  const exitCode = exitCodeOf(error)
  if (exitCode !== null) return { exitCode, message: error.message }
  return { exitCode: exitCodes.failed, message: `This should not happen; please report it.\n${stackOf(error)}` }
}

function exitCodeOf(error: Error): number | null {
  if (error instanceof InputRefused || error instanceof UsageRefused) return exitCodes.usage
  if (error instanceof ConfigRefused) return exitCodes.configuration
  if (error instanceof StoreUnavailable || error instanceof ServerUnreachable) return exitCodes.unreachable
  if (error instanceof Unconfirmed) return exitCodes.unconfirmed
  return error instanceof AdminRefused ? exitCodes.failed : null
}

/** Help and version that were asked for are answers; help that was not is how commander says "usage". */
function commanderFailure(error: CommanderError): Failure {
  const isAnswer = error.code === 'commander.helpDisplayed' || error.code === 'commander.version'
  return { exitCode: isAnswer ? exitCodes.ok : exitCodes.usage, message: '' }
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by: ${stackOf(error.cause)}` : ''
  return `${error.stack ?? error.message}${cause}`
}
