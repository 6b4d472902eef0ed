/** The public ports of a server, opened as its settings say: one for everybody, and one that asks for certificates. */

import { ConfigRefused } from '../config/config-refused.ts'
import type { Settings } from '../config/settings.ts'
import { type CertificateFiles, readCertificateFiles } from '../config/tls-files.ts'
import type { TlsSettings } from '../config/tls-settings.ts'
import { listen, type Listener, type ListenerOptions, type PortSharing } from '../http/node-listener.ts'
import { inPortTurn } from './port-turn.ts'
import { renewCertificates, type RenewalMeans } from './tls-renewal.ts'

export interface PublicListener {
  readonly port: number
  /** Where clients are asked for certificates, or null. */
  readonly mtlsPort: number | null
  /** Accepts nothing more; resolves when what was in flight is answered, or when its time is over. */
  readonly close: () => Promise<void>
}

type Where = Pick<Settings, 'host' | 'port' | 'trustedProxies' | 'drainSeconds'> & TlsSettings

interface Behind extends Pick<ListenerOptions, 'handle' | 'refuse'> {
  /** What is served where clients are asked for certificates. */
  readonly handleApplications: ListenerOptions['handle']
}

interface Means extends Pick<ListenerOptions, 'sharing'>, RenewalMeans {
  readonly nowMs: () => number
}

/** Rejects with `ConfigRefused` where a port, an address or a file cannot be had. */
export async function listenOn(where: Where, behind: Behind, means: Means): Promise<PublicListener> {
  const files = readCertificateFiles(where)
  const open = (door: Door): Promise<Listener> => openDoor(where, behind, { ...means, files, ...door })
  const main = await open({ flag: '--port', port: where.port, asksClients: false })
  const mtls = await openSecond(where, open).catch(async (cause: unknown) => {
    await main.close()
    throw cause
  })
  const listeners = mtls === null ? [main] : [main, mtls]
  const stopRenewing = renewCertificates(where, files, listeners, means)
  return {
    port: main.port,
    mtlsPort: mtls?.port ?? null,
    close: async () => {
      stopRenewing()
      await Promise.all(listeners.map(listener => listener.close()))
    },
  }
}

async function openSecond({ mtlsPort }: Where, open: (door: Door) => Promise<Listener>): Promise<Listener | null> {
  return mtlsPort === null ? null : open({ flag: '--mtls-port', port: mtlsPort, asksClients: true })
}

interface Door {
  readonly flag: string
  readonly port: number
  readonly asksClients: boolean
}

interface Opening extends Door, Means {
  readonly files: CertificateFiles
}

function openDoor(where: Where, behind: Behind, opening: Opening): Promise<Listener> {
  const { flag, port, sharing } = opening
  return opened(flag, port, () => {
    const options = optionsOf(where, behind, opening)
    return isFirst(sharing) ? inPortTurn(port, () => listen(options)) : listen(options)
  })
}

function isFirst(sharing: PortSharing | undefined): boolean {
  return sharing?.isFirst === true
}

function optionsOf(where: Where, behind: Behind, opening: Opening): ListenerOptions {
  const { host, trustedProxies, drainSeconds, mtlsPort } = where
  const { port, asksClients, logger, sharing, files } = opening
  return {
    handle: asksClients ? behind.handleApplications : behind.handle,
    ...(behind.refuse && { refuse: behind.refuse }),
    ...(host === null ? {} : { host: [host] }),
    port,
    listeners: mtlsPort === null ? 1 : 2,
    tls: files.tls === null ? null : { ...files.tls, asksClients },
    certificates: certificateRules(where, opening),
    trustedProxies,
    logger,
    limits: { drainMsMax: drainSeconds * 1000 },
    sharing,
  }
}

/** Who vouches for clients counts the same wherever they show a certificate. */
function certificateRules(
  where: Where,
  { asksClients, nowMs, files }: Opening,
): Exclude<ListenerOptions['certificates'], undefined> {
  const header = where.clientCertificateHeader?.toLowerCase() ?? null
  return asksClients || header !== null ? { authorities: files.authorities, header, nowMs } : null
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
