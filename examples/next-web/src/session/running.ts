/** The parts of this process, opened by its first request: a build of the application loads routes, too, and needs none. */

import { environmentCustodyKey } from '@pawl/client/environment-key'
import { openParts, type Parts } from './parts.ts'
import { readSettings } from './settings.ts'

let running: Promise<Parts> | null = null

export function parts(): Promise<Parts> {
  running ??= open().catch((cause: unknown) => {
    // The authorization server may be up at the next request.
    running = null
    throw cause
  })
  return running
}

async function open(): Promise<Parts> {
  return openParts(readSettings(process.env), await environmentCustodyKey())
}
