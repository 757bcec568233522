const DIGITS = 8;

/** A number as it stands in sample ids and documents: always as long, so that every request of a run is as long. */
export function sampleNumber(index: number): string {
  return String(index).padStart(DIGITS, '0');
}

/** A document like an agent's, 300 bytes of JSON text for every `index` below 10^8. */
export function sampleDocument(index: number): string {
  const number = sampleNumber(index);
  return (
    `{"name":"Candidate ${number}","email":"candidate.${number}@example.org","status":"active","experience_years":7,` +
    `"skills":["Python","PostgreSQL","Django","Kubernetes"],"location":{"city":"Lisbon","remote":true},` +
    `"score":0.8125,"summary":"Has led a team of six, prefers small companies, can start in a month."}`
  );
}
