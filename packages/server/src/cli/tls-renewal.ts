/**
 * Renewed certificates count without a restart. The files of TLS are read again every few seconds, and what has changed is
 * shown from the next handshake on. Whoever renews them writes one file after the other, so for a moment they may be gone
 * or not belong together: the server goes on with what it has, and complains only where the next look finds no better.
 */

import { ConfigRefused } from '../config/config-refused.ts'
import { type CertificateFiles, readCertificateFiles } from '../config/tls-files.ts'
import type { TlsSettings } from '../config/tls-settings.ts'
import type { Logger } from '../http/access-log.ts'
import type { Listener } from '../http/node-listener.ts'

export const tlsFilesReadEverySeconds = 10

export interface RenewalMeans {
  readonly logger: Logger
  readonly every: (callback: () => void, seconds: number) => () => void
}

/** Looks at the files until it is stopped. `opened` is what the listeners were opened with; without files nothing is done. */
export function renewCertificates(
  where: TlsSettings,
  opened: CertificateFiles,
  listeners: readonly Pick<Listener, 'renew'>[],
  { logger, every }: RenewalMeans,
): () => void {
  if (opened.tls === null && opened.authorities.length === 0) return () => {}
  let inUse = JSON.stringify(opened)
  let fault: string | null = null
  let hasComplained = false

  /** Why what is in the files now cannot be used, or null. */
  function renew(): string | null {
    try {
      const files = readCertificateFiles(where)
      if (JSON.stringify(files) === inUse) return null
      for (const listener of listeners) listener.renew({ shown: files.tls, authorities: files.authorities })
      inUse = JSON.stringify(files)
      logger.info({}, 'renewed certificates are in use')
      return null
    } catch (error) {
      // Both are sentences for the operator; anything else is a fault of ours and must be seen.
      if (error instanceof ConfigRefused || error instanceof RangeError) return error.message
      throw error
    }
  }

  return every(() => {
    const found = renew()
    const isStillThere = found !== null && found === fault
    if (isStillThere && !hasComplained) {
      logger.error({ reason: found }, 'renewed certificates cannot be used: those of before stay in use')
    }
    hasComplained = isStillThere
    fault = found
  }, tlsFilesReadEverySeconds)
}
