/**
 * The two libraries by which applications on phones reach Keychain and Keystore, as one small port. Items are there after
 * the first unlock, because a refresh in the background happens while the phone lies locked in a pocket; they stay on this
 * device, so that no backup has them; and they ask for no finger, because nobody is asked in the background.
 */

/** Small texts by keys of letters, digits, dots, hyphens and underscores. Use one object per service in an application. */
export interface SecretItems {
  get(key: string): Promise<string | null>
  set(key: string, text: string): Promise<void>
  /** Does nothing where nothing is. */
  remove(key: string): Promise<void>
  /** One work after the other: neither library can compare. */
  alone<Answer>(work: () => Promise<Answer>): Promise<Answer>
}

/** The module `expo-secure-store`, as far as it is used. */
export interface ExpoSecureStore {
  readonly AFTER_FIRST_UNLOCK_THIS_DEVICE_ONLY: number
  getItemAsync(key: string, options: ExpoOptions): Promise<string | null>
  setItemAsync(key: string, value: string, options: ExpoOptions): Promise<void>
  deleteItemAsync(key: string, options: ExpoOptions): Promise<void>
}

export interface ExpoOptions {
  readonly keychainService: string
  readonly keychainAccessible: number
  readonly requireAuthentication: boolean
}

/** The module `react-native-keychain`, as far as it is used. */
export interface ReactNativeKeychain {
  readonly ACCESSIBLE: { readonly AFTER_FIRST_UNLOCK_THIS_DEVICE_ONLY: string }
  getGenericPassword(options: { readonly service: string }): Promise<false | { readonly password: string }>
  setGenericPassword(
    username: string,
    password: string,
    options: { readonly service: string; readonly accessible: string },
  ): Promise<unknown>
  resetGenericPassword(options: { readonly service: string }): Promise<unknown>
}

const serviceDefault = 'pawl-custody'

/** On `import * as SecureStore from 'expo-secure-store'`. */
export function expoItems(module: ExpoSecureStore, service = serviceDefault): SecretItems {
  const options: ExpoOptions = {
    keychainService: service,
    keychainAccessible: module.AFTER_FIRST_UNLOCK_THIS_DEVICE_ONLY,
    requireAuthentication: false,
  }
  return {
    get: key => module.getItemAsync(key, options),
    set: (key, text) => module.setItemAsync(key, text, options),
    remove: key => module.deleteItemAsync(key, options),
    alone: oneAfterTheOther(),
  }
}

/** On `import * as Keychain from 'react-native-keychain'`, which keeps one item per service. */
export function keychainItems(module: ReactNativeKeychain, service = serviceDefault): SecretItems {
  const accessible = module.ACCESSIBLE.AFTER_FIRST_UNLOCK_THIS_DEVICE_ONLY
  const of = (key: string) => `${service}.${key}`
  return {
    async get(key) {
      const found = await module.getGenericPassword({ service: of(key) })
      return found === false ? null : found.password
    },
    async set(key, text) {
      const isSet = await module.setGenericPassword(service, text, { service: of(key), accessible })
      if (isSet === false) throw new Error('the keychain did not keep an item')
    },
    async remove(key) {
      await module.resetGenericPassword({ service: of(key) })
    },
    alone: oneAfterTheOther(),
  }
}

function oneAfterTheOther(): SecretItems['alone'] {
  let last: Promise<unknown> = Promise.resolve()
  return work => {
    const mine = last.then(work)
    // Whoever comes next does not care how this one came out; its caller does.
    last = mine.catch(() => undefined)
    return mine
  }
}
