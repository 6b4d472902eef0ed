/**
 * What the machinery round the server asks: is the process alive, may it get traffic. Served on the management listener
 * only; nothing of it is on the public one.
 */

import type { HttpResponse } from './exchange.ts'
import { jsonResponse } from './oauth-failure.ts'
import type { Route } from './router.ts'

export interface Readiness {
  /** Resolves when the store can read and write. */
  readonly checkStore: () => Promise<void>
  /** True from the moment the server began to stop. */
  readonly isDraining: () => boolean
}

/** Longer than this is not ready: whoever asks will not wait either. */
export const readinessMsMax = 2_000

export function managementRoutes(readiness: Readiness): readonly Route[] {
  return [
    { path: '/livez', methods: ['GET'], cors: 'none', endpoint: async () => jsonResponse(200, { alive: true }) },
    { path: '/readyz', methods: ['GET'], cors: 'none', endpoint: () => readyz(readiness) },
  ]
}

async function readyz(readiness: Readiness): Promise<HttpResponse> {
  const reasons: string[] = []
  if (readiness.isDraining()) reasons.push('the server is stopping')
  if (!(await isStoreReady(readiness.checkStore))) reasons.push('the store does not answer')
  return jsonResponse(reasons.length === 0 ? 200 : 503, { ready: reasons.length === 0, reasons })
}

/** The cause of a failure may name hosts and files, so it stays with whoever logs the store's errors. */
async function isStoreReady(checkStore: () => Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>(resolve => {
    timer = setTimeout(() => resolve(false), readinessMsMax)
  })
  const ready = checkStore().then(
    () => true,
    () => false,
  )
  const isReady = await Promise.race([ready, late])
  clearTimeout(timer)
  return isReady
}
