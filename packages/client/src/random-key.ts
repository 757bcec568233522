/** A key nobody else makes: 128 random bits in hexadecimal. */
export function randomKey(): string {
  // Not randomUUID: browsers have that on secure origins only.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
