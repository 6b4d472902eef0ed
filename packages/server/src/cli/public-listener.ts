/** The public port of a server, opened as its settings say. */

import { ConfigRefused } from '../config/config-refused.ts'
import type { Settings } from '../config/settings.ts'
import type { Logger } from '../http/access-log.ts'
import { listen, type Listener, type ListenerOptions, type PortSharing } from '../http/node-listener.ts'
import { inPortTurn } from './port-turn.ts'

export type PublicListener = Listener

type Where = Pick<Settings, 'host' | 'port' | 'trustedProxies' | 'drainSeconds'>
type Behind = Pick<ListenerOptions, 'handle' | 'refuse'>

interface Means {
  readonly logger: Logger
  readonly sharing: PortSharing | undefined
}

/** Rejects with `ConfigRefused` where the port or the address cannot be had. */
export function listenOn(where: Where, behind: Behind, { logger, sharing }: Means): Promise<PublicListener> {
  const { host, port, trustedProxies, drainSeconds } = where
  const hosts = host === null ? {} : { host: [host] }
  const limits = { drainMsMax: drainSeconds * 1000 }
  return opened('--port', port, () => {
    const { handle, refuse } = behind
    const open = (): Promise<Listener> =>
      listen({ handle, ...(refuse && { refuse }), port, trustedProxies, logger, limits, sharing, ...hosts })
    return sharing?.isFirst === true ? inPortTurn(port, open) : open()
  })
}

/** Turns what the system says about a port into a sentence that says what to change. */
export async function opened(flag: string, port: number, open: () => Promise<Listener>): Promise<Listener> {
  try {
    return await open()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : null
    if (code === 'EADDRINUSE') throw new ConfigRefused(`Port ${port} is taken: choose another with ${flag}.`, { cause })
    if (code === 'EACCES')
      throw new ConfigRefused(`Port ${port} is not allowed to this user: choose another with ${flag}.`, { cause })
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
      throw new ConfigRefused('This machine does not have the address --host names.', { cause })
    }
    if (code === 'ENOTSUP') {
      throw new ConfigRefused('This system does not let threads share a port: use --workers 1.', { cause })
    }
    if (cause instanceof RangeError) throw new ConfigRefused(`${cause.message}.`, { cause })
    throw cause
  }
}
