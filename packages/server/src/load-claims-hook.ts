/** Loads the operator's module whose `claims` is asked before tokens are issued. The only import by a name from outside. */

import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ConfigRefused } from './config/config-refused.ts'
import { type ClaimsHook, judgedHook, type OwnClaims, type StartTimer } from './domain/token/claims-hook.ts'

export interface HookSettings {
  readonly claimsHook: string | null
  readonly claimsHookMilliseconds: number
}

/** Null where none is configured. Rejects with `ConfigRefused` for a module that cannot be loaded or exports no `claims`. */
export async function loadClaimsHook(settings: HookSettings, startTimer: StartTimer): Promise<ClaimsHook | null> {
  const { claimsHook, claimsHookMilliseconds } = settings
  if (claimsHook === null) return null
  const own = await exportedClaims(claimsHook)
  if (typeof own !== 'function') throw new ConfigRefused(`The claims hook ${claimsHook} exports no function claims.`)
  return judgedHook(own as OwnClaims, startTimer, claimsHookMilliseconds)
}

async function exportedClaims(path: string): Promise<unknown> {
  try {
    const module = (await import(pathToFileURL(resolve(path)).href)) as { readonly claims?: unknown }
    return module.claims
  } catch (cause) {
    throw new ConfigRefused(`The claims hook ${path} cannot be loaded.`, { cause })
  }
}
