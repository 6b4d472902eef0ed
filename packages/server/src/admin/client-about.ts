/** What an operator may say about a client for people to read, as names of RFC 7591 and back. */

import { z } from 'zod'
import type { ClientAbout } from '../domain/client/client-about.ts'
import type { Client } from '../domain/client/client.ts'

export const aboutCharactersMax = 1024
export const contactsMax = 16
export const contactCharactersMax = 254

const text = z.string().max(4096).nullable().optional()

export const aboutChangesShape = {
  clientUri: text,
  logoUri: text,
  policyUri: text,
  tosUri: text,
  contacts: z.array(z.string().max(4096)).max(128).optional(),
  softwareId: text,
  softwareVersion: text,
}
export type AboutChanges = z.infer<z.ZodObject<typeof aboutChangesShape>>

export function aboutOf(about: ClientAbout, changes: AboutChanges): ClientAbout {
  return {
    clientUri: changes.clientUri === undefined ? about.clientUri : changes.clientUri,
    logoUri: changes.logoUri === undefined ? about.logoUri : changes.logoUri,
    policyUri: changes.policyUri === undefined ? about.policyUri : changes.policyUri,
    tosUri: changes.tosUri === undefined ? about.tosUri : changes.tosUri,
    contacts: changes.contacts === undefined ? about.contacts : [...new Set(changes.contacts)],
    softwareId: changes.softwareId === undefined ? about.softwareId : changes.softwareId,
    softwareVersion: changes.softwareVersion === undefined ? about.softwareVersion : changes.softwareVersion,
  }
}

/** One sentence for each thing that is wrong. */
export function judgeAbout({ about }: Client): string[] {
  const { contacts, softwareId, softwareVersion } = about
  const wrong: string[] = []
  for (const [name, uri] of Object.entries(pagesOf(about))) {
    if (uri !== null && !isPage(uri)) {
      wrong.push(`The ${name} is no address of a page: https, at most ${aboutCharactersMax} characters.`)
    }
  }
  if (contacts.length > contactsMax) wrong.push(`A client has at most ${contactsMax} contacts.`)
  if (contacts.some(contact => !isPlain(contact, contactCharactersMax))) {
    wrong.push(`A contact has 1 to ${contactCharactersMax} characters and no control character.`)
  }
  for (const software of [softwareId, softwareVersion]) {
    if (software !== null && !isPlain(software, contactCharactersMax)) {
      wrong.push(`A software id or version has 1 to ${contactCharactersMax} characters and no control character.`)
    }
  }
  return wrong
}

/** RFC 7591 §2. */
export function aboutJson({ about }: Client): { readonly [name: string]: unknown } {
  const { contacts, softwareId, softwareVersion } = about
  const pages = Object.entries(pagesOf(about)).filter(([, uri]) => uri !== null)
  return {
    ...Object.fromEntries(pages),
    ...(contacts.length === 0 ? {} : { contacts }),
    ...(softwareId === null ? {} : { software_id: softwareId }),
    ...(softwareVersion === null ? {} : { software_version: softwareVersion }),
  }
}

function pagesOf({ clientUri, logoUri, policyUri, tosUri }: ClientAbout) {
  return { client_uri: clientUri, logo_uri: logoUri, policy_uri: policyUri, tos_uri: tosUri }
}

/** http for applications under development alone: nothing is ever fetched from here, and people may follow the link. */
function isPage(uri: string): boolean {
  if (uri.length > aboutCharactersMax || !/^[!-~]+$/.test(uri) || !URL.canParse(uri)) return false
  const { protocol, username, password, hostname } = new URL(uri)
  const isOnLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  const namesNobody = username.length + password.length === 0
  return namesNobody && (protocol === 'https:' || (protocol === 'http:' && isOnLoopback))
}

function isPlain(text: string, charactersMax: number): boolean {
  return /^\P{Cc}+$/u.test(text) && text.length <= charactersMax
}
