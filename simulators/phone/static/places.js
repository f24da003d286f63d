// Where a customer can be: a few places of the city that the number is from.

const KENYA = [
  { label: 'City centre', address: 'Kenyatta Avenue, Nairobi', latitude: -1.286389, longitude: 36.817223 },
  { label: 'Kilimani', address: 'Argwings Kodhek Road, Nairobi', latitude: -1.2921, longitude: 36.7856 },
  { label: 'Westlands', address: 'Waiyaki Way, Nairobi', latitude: -1.2676, longitude: 36.8108 },
  { label: 'Eastleigh', address: 'First Avenue, Nairobi', latitude: -1.2741, longitude: 36.8504 },
  { label: 'Mombasa', address: 'Moi Avenue, Mombasa', latitude: -4.0547, longitude: 39.6636 },
];
const ANGOLA = [
  { label: 'Marginal', address: 'Avenida 4 de Fevereiro, Luanda', latitude: -8.8083, longitude: 13.2344 },
  { label: 'Maianga', address: 'Rua da Maianga, Luanda', latitude: -8.8272, longitude: 13.2331 },
  { label: 'Talatona', address: 'Via S8, Luanda', latitude: -8.9178, longitude: 13.1822 },
  { label: 'Benguela', address: 'Praia Morena, Benguela', latitude: -12.5763, longitude: 13.4055 },
];

export const placesOf = (customer) => (customer.msisdn?.startsWith('244') ? ANGOLA : KENYA);
