// The words that values are made of, the most frequent first. Their numbers are one less than a
// power of two, as Skewed gives ranks, but where something is appended to a stem.
#pragma once

#include <array>

namespace unirust::workload {

inline constexpr std::array<const char*, 63> kFirstNames = {
    "Maria",   "James",  "Anna",   "Mohamed", "John",   "Elena",  "David",  "Fatima", "Peter",
    "Laura",   "Ali",    "Sofia",  "Thomas",  "Emma",   "Daniel", "Julia",  "Ivan",   "Sara",
    "Michael", "Olga",   "Paul",   "Nina",    "Ahmed",  "Clara",  "Robert", "Yuki",   "Jan",
    "Lucia",   "Andrei", "Eva",    "Carlos",  "Hannah", "Victor", "Amina",  "George", "Ines",
    "Martin",  "Leila",  "Oscar",  "Marta",   "Hugo",   "Priya",  "Felix",  "Rosa",   "Samuel",
    "Greta",   "Omar",   "Alice",  "Bruno",   "Mei",    "Simon",  "Vera",   "Rafael", "Ida",
    "Kenji",   "Nora",   "Stefan", "Zofia",   "Tobias", "Ada",    "Emil",   "Linda",  "Arjun"};

inline constexpr std::array<const char*, 64> kSurnames = {
    "Smith",  "Garcia", "Miller", "Kim",    "Novak",  "Silva",  "Jones",  "Martin",
    "Khan",   "Weber",  "Rossi",  "Ander",  "Wang",   "Larsen", "Brown",  "Petro",
    "Lopez",  "Hill",   "Nowak",  "Singh",  "Baker",  "Popov",  "Moore",  "Costa",
    "Wood",   "Horvat", "Clark",  "Meyer",  "Santos", "Ward",   "Tanaka", "Berg",
    "Young",  "Duval",  "Green",  "Kovac",  "Reed",   "Lind",   "Patel",  "Stone",
    "Turner", "Bauer",  "Cole",   "Fisher", "Ibrah",  "Marsh",  "Olsen",  "Price",
    "Quinn",  "Ramos",  "Shaw",   "Toth",   "Urban",  "Vogel",  "West",   "Xu",
    "Yilmaz", "Zielin", "Ashby",  "Brandt", "Castel", "Dorn",   "Ekman",  "Frost"};

// Of a surname; the first is none, so that the most frequent surnames are the stems.
inline constexpr std::array<const char*, 16> kSurnameEndings = {
    "",    "son", "ova",  "berg", "ez",     "mann", "field", "sky",
    "ton", "ini", "gard", "wick", "dottir", "ley",  "stein", "worth"};

inline constexpr std::array<const char*, 15> kMailDomains = {
    "mail.example",    "example.com",      "example.org",  "example.net",  "post.example",
    "web.example",     "inbox.example",    "home.example", "city.example", "work.example",
    "college.example", "hospital.example", "shop.example", "bank.example", "museum.example"};

inline constexpr std::array<const char*, 15> kTrades = {
    "Logistics", "Foods",  "Software", "Construction", "Trading", "Energy",   "Textiles", "Media",
    "Pharma",    "Travel", "Steel",    "Insurance",    "Optics",  "Robotics", "Shipping"};

inline constexpr std::array<const char*, 31> kCities = {
    "London",    "Berlin",  "Paris",  "Madrid", "Zürich",    "Roma",  "Warszawa", "São Paulo",
    "Łódź",      "Wien",    "Oslo",   "Dublin", "København", "Praha", "Lisboa",   "Athína",
    "Malmö",     "Gdańsk",  "Porto",  "İzmir",  "Kraków",    "Lyon",  "Genève",   "Tallinn",
    "Reykjavík", "Córdoba", "Napoli", "Köln",   "Brno",      "東京",  "Québec"};

inline constexpr std::array<const char*, 31> kStreets = {
    "High Street",     "Station Road",  "Main Street",  "Church Lane",    "Park Avenue",
    "Mill Lane",       "Hauptstraße",   "Rue du Lac",   "Via Roma",       "Calle Mayor",
    "School Road",     "Garden Street", "Bahnhofplatz", "King Street",    "Bridge Road",
    "North Quay",      "Market Square", "Old Town",     "Queen Street",   "Harbour Way",
    "Avenida Brasil",  "Elm Grove",     "Ringstraße",   "Windmill Close", "Castle Hill",
    "Rue de l’Église", "Lindenallee",   "Orchard Row",  "Chapel Street",  "West End",
    "Ulica Długa"};

inline constexpr std::array<const char*, 15> kCountries = {
    "US", "DE", "IN", "GB", "FR", "BR", "ES", "IT", "PL", "JP", "SE", "NL", "CZ", "PT", "IS"};

inline constexpr std::array<const char*, 15> kModels = {
    "Router R1",  "Laptop L13", "Printer P4",  "Sensor S2",  "Phone F5",
    "Switch W24", "Camera C8",  "Laptop L15",  "Scanner N3", "Tablet T10",
    "Meter M1",   "Server X2",  "Display D27", "Badge B1",   "Pump U6"};

// The roles besides "admin".
inline constexpr std::array<const char*, 15> kRoles = {
    "buyer",   "seller",  "engineer", "clerk",   "manager", "driver",   "auditor", "analyst",
    "support", "planner", "lawyer",   "trainer", "nurse",   "director", "guard"};

}  // namespace unirust::workload
